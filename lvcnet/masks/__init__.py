"""What is true of masks alone, whoever drew them: how far one is from another, and when predictions collapsed."""
