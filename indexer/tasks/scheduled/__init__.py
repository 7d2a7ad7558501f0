"""The house's own tasks, one file each; a task lies in the folder of this name of its room."""
