"""应急事件: from a sensor's alarm or a call to a person freed, called back and the case closed."""
