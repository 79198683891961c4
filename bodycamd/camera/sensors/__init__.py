"""The sensors process: battery gauge, temperature, throttling and under-voltage. It tells the recorder readings and nothing else."""
