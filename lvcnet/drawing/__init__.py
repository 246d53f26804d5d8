"""Pictures of radiographs, masks and maps, and the colours that mean something: for files, reports and the lab alike."""
