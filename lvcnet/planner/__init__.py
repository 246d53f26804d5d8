"""How carefully to outline: clicks against what methods make of them."""
