"""What in a series of costs or usage is out of the ordinary."""
