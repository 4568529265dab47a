"""What programs in text form would do: names of callables, Python source, Jinja templates. Pure functions of text."""
