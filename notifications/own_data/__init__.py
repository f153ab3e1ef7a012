"""Everything that is kept about one person, as files of one archive."""
