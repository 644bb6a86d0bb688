"""Changes projects at random, and checks that every test that a change affects is selected."""
