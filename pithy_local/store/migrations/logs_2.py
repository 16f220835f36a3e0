"""The logs' second version: whose frames are counted, and what retention has removed."""

LOGS_2 = """
-- the sandbox whose log `frames` counts: another one of the same attempt is read from its beginning
ALTER TABLE cursor ADD COLUMN source TEXT NOT NULL DEFAULT '';
-- the lowest number that is kept, and since when the rest is gone: null where nothing was removed
ALTER TABLE cursor ADD COLUMN first INTEGER NOT NULL DEFAULT 1 CHECK(first >= 1);
ALTER TABLE cursor ADD COLUMN removed_at INTEGER;
"""
