"""From somebody's files to a data set: found, checked, drawn on the working grid."""
