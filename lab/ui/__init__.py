"""What every page is made of: pickers, progress, messages, tables, the viewer and the mask editor."""
