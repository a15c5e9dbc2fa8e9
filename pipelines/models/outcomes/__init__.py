"""Learning outcomes: will this person complete or pass what they enrolled in?"""
