missing-title = Not here from { $node }
missing-all = All it offers
missing-none = Everything it offers is here too
