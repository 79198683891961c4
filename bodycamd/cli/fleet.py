"""`bodycamd fleet`: the cameras, teams and people of a municipality; a command in each file beside this one."""

from __future__ import annotations

import typer

from bodycamd.cli import fleet_card, fleet_check, fleet_enrol, fleet_init, fleet_list, fleet_officer, fleet_roster, fleet_states

app = typer.Typer(help="The fleet: cameras, teams, people; the roster that says whose word counts.", no_args_is_help=True)
app.command("init")(fleet_init.init)
app.command("check")(fleet_check.check)
app.command("list")(fleet_list.list_cameras)
app.command("roster")(fleet_roster.roster)
app.command("cosign")(fleet_roster.cosign)
app.command("lost")(fleet_states.lost)
app.command("replace")(fleet_states.replace)
app.command("retire")(fleet_states.retire)
app.command("take-back")(fleet_states.take_back)
app.command("card")(fleet_card.card)
app.command("cards")(fleet_card.cards)
app.command("show-card")(fleet_card.show_card)
app.command("officer-card")(fleet_officer.officer_card)
app.command("enrol")(fleet_enrol.enrol)
