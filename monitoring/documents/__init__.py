"""Documents about a release, made from what it says of itself: no number in them that is not in a file with a digest.

`sources` gathers the files, each checked; `cited` puts values into a page and says where each is from; `versions`
compares two releases and raises an alarm where the newer one is another system; `made` joins them with the words, which
stand in `templates/documents_*.html`.
"""
