"""Course recommendation: which courses does a learner take next?"""
