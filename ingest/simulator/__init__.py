"""模拟终端: a city's terminals over real MQTT, with a durable log of everything they published."""
