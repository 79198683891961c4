"""All wording for people, in Dutch and English; how dates, numbers and local times are written."""
