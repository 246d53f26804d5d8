"""The overview page: the next step, the mechanism in pictures, the headline result."""
