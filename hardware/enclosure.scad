// The case of both builds: a tray whose front the filmed person sees, and a lid with the clip, sealed by a cord. Never printed yet.
//
// openscad -D 'build="zero-2-w"' -D 'show="front"' -o front.stl hardware/enclosure.scad
//   build: zero-2-w, pi-4       show: front, lid (to print); case (closed), parts (open, with the parts as blocks)
//
// Sizes and places of the parts: enclosure-parts.scad, made from enclosure.toml and bill-of-materials.toml. Print in ASA or PETG, the front's face and the
// lid's inside on the bed. The thickness of each wall is a first guess, as is every fit.

include <enclosure-parts.scad>

build = "zero-2-w";
show = "case";

inner = build == "pi-4" ? inner_pi_4 : inner_zero_2_w;
places = build == "pi-4" ? places_pi_4 : places_zero_2_w;
charge = build == "pi-4" ? charge_pi_4 : charge_zero_2_w;

wall = 2.4;
front_wall = 3.6;
corner = 5;
flange = 4.6;           // what the rim is wider than the wall: room for the cord
flange_depth = 4;
lid_thickness = 3;
cord = 2;               // silicone; the groove is 20 % shallower, and a little wider
groove_width = 2.3;
groove_depth = 1.6;
screw = 2.9;            // M2.5 passes
insert = 3.5;           // a brass insert for M2.5, melted in
insert_depth = 5;
ear = 4.5;
window_radius = 8;      // where the disc lies; outside it is wider, so that the corners of the picture stay free (tests/hardware/test_enclosure.py)
window_outside = 10;
window_recess = 2;      // the polycarbonate disc is glued in from inside
lamp = 5.2;
button_hole = 16.2;
guard_radius = 15;      // inside of the ring around the button: a thumb in a glove; the ring keeps belts and tables off
guard_thickness = 3;
guard_height = 3.5;
grille_radius = 13;
grille_hole = 2;
sound_hole = 1.6;
plug = [10.5, 5];       // of the charging socket; close it with a rubber plug
stud = 4.3;             // M4 of the clip's stud, with a sealing washer
$fn = $preview ? 48 : 72;

function of(name) = [for (place = places) if (place[0] == name) place][0];
function has(name) = len([for (place = places) if (place[0] == name) 1]) > 0;
function middle(name) = of(name)[1] + of(name)[2] / 2;

module outline(grow = 0) {
  offset(r = corner + grow) offset(delta = -corner) square([inner.x, inner.y]);
}

module ears(radius, grow = 0) {
  reach = wall + flange - 0.5;
  for (x = [-reach, inner.x + reach], y = [12, inner.y - 12]) translate([x, y]) circle(r = radius + grow);
}

module hull_ears() {
  reach = wall + flange - 0.5;
  for (y = [12, inner.y - 12]) hull() {
    for (x = [-reach, inner.x + reach]) translate([x, y]) circle(r = ear);
  }
}

module front() {
  difference() {
    union() {
      linear_extrude(inner.z + front_wall) outline(wall);
      hull() {  // the rim, with a slope that prints without support
        linear_extrude(flange_depth) outline(wall + flange);
        linear_extrude(flange_depth + flange) outline(wall);
      }
      linear_extrude(flange_depth + 3) hull_ears();
      guard();
    }
    translate([0, 0, -1]) linear_extrude(inner.z + 1) outline(0);
    groove();
    translate([0, 0, -1]) linear_extrude(insert_depth + 1) ears(insert / 2);
    holes();
  }
  shade();
}

module groove() {
  translate([0, 0, -0.01]) linear_extrude(groove_depth) difference() {
    outline(wall + 1 + groove_width);
    outline(wall + 1);
  }
}

module guard() {
  centre = middle("button");
  translate([centre.x, centre.y, inner.z + front_wall - 0.01]) difference() {
    cylinder(r1 = guard_radius + guard_thickness, r2 = guard_radius + guard_thickness - 1, h = guard_height);
    translate([0, 0, -1]) cylinder(r = guard_radius, h = guard_height + 2);
  }
}

module holes() {
  lens = middle("module_3_wide") + [0, lens_up, 0];
  translate([lens.x, lens.y, inner.z - 1]) {
    cylinder(r = window_radius, h = front_wall + 2);
    cylinder(r = window_radius + 2, h = window_recess + 1);
    translate([0, 0, window_recess + 1]) cylinder(r1 = window_radius, r2 = window_outside, h = front_wall - window_recess + 0.01);
  }
  red = middle("led_red");
  translate([red.x, red.y, inner.z - 1]) cylinder(d = lamp, h = front_wall + 2);
  centre = middle("button");
  translate([centre.x, centre.y, inner.z - 1]) cylinder(d = button_hole, h = front_wall + 2);
  grille();
  if (has("mic_i2s")) {
    microphone = middle("mic_i2s");
    translate([microphone.x, microphone.y, inner.z - 1]) { cylinder(d = sound_hole, h = front_wall + 2); cylinder(d = 8, h = 1.5); }
  } else {  // the sound board has its own, somewhere behind the front: three holes over it
    microphone = middle("codec_zero");
    for (x = [-5, 0, 5]) translate([microphone.x + x, microphone.y, inner.z - 1]) cylinder(d = sound_hole, h = front_wall + 2);
  }
  green = middle("led_green");
  translate([green.x, inner.y - 1, green.z]) rotate([-90, 0, 0]) cylinder(d = lamp, h = wall + 2);
  translate([inner.x - 1, charge[0] - plug.x / 2, charge[1] - plug.y / 2]) cube([wall + flange + 3, plug.x, plug.y]);
}

module grille() {
  centre = middle("speaker");
  step = grille_hole * 1.75;
  for (row = [-8 : 8], column = [-8 : 8]) {
    x = (column + (row % 2 == 0 ? 0 : 0.5)) * step;
    y = row * step * 0.87;
    if (norm([x, y]) <= grille_radius) translate([centre.x + x, centre.y + y, inner.z - 1]) cylinder(d = grille_hole, h = front_wall + 2, $fn = 16);
  }
  translate([centre.x, centre.y, inner.z - 1]) cylinder(r = grille_radius + 1.5, h = 1.4);  // the membrane
}

module shade() {  // keeps the red lamp's light out of the lens
  lens = middle("module_3_wide") + [0, lens_up, 0];
  translate([lens.x, lens.y, inner.z - 5]) difference() {
    cylinder(r = window_radius + 3.4, h = 5);
    translate([0, 0, -1]) cylinder(r = window_radius + 2, h = 7);
  }
}

module lid() {
  difference() {
    union() {
      translate([0, 0, -lid_thickness]) linear_extrude(lid_thickness) { outline(wall + flange); hull_ears(); }
      linear_extrude(1.6) difference() { outline(-0.4); outline(-2); }  // a lip that finds the tray
      translate([inner.x / 2, inner.y * 0.62, -lid_thickness - 2.5]) linear_extrude(2.6) offset(r = 4) square(24, center = true);
    }
    translate([0, 0, -lid_thickness - 1]) linear_extrude(lid_thickness + 2) ears(screw / 2);
    for (x = [-wall - flange + 0.5, inner.x + wall + flange - 0.5], y = [12, inner.y - 12])
      translate([x, y, -lid_thickness - 0.01]) cylinder(d1 = 5.6, d2 = screw, h = 1.5);
    translate([inner.x / 2, inner.y * 0.62, -lid_thickness - 4]) cylinder(d = stud, h = lid_thickness + 6);
  }
}

module parts() {
  colours = ["#6c8ebf", "#4f8f5b", "#c0803c", "#7d5ba6", "#b85450", "#5b8a8a", "#9a8f3c", "#a05c8a"];
  for (number = [0 : len(places) - 1]) {
    place = places[number];
    round_part = place[0] == "button" || place[0] == "speaker" || place[0] == "motor";
    color(place[0] == "led_red" ? "#e03131" : place[0] == "led_green" ? "#37b24d" : colours[number % len(colours)])
      translate(place[1])
        if (round_part) translate([place[2].x / 2, place[2].y / 2, 0]) cylinder(d = place[2].x, h = place[2].z);
        else cube(place[2]);
    color("white") translate([place[1].x + place[2].x / 2, place[1].y + place[2].y / 2, place[1].z + place[2].z])
      rotate(place[2].y > 1.6 * place[2].x ? 90 : 0) linear_extrude(0.3)
        text(place[0], size = min(3.4, max(place[2].x, place[2].y) / len(place[0]) * 1.25), halign = "center", valign = "center");
  }
}

if (show == "front") translate([0, 0, inner.z + front_wall]) rotate([180, 0, 0]) front();
if (show == "lid") lid();
if (show == "case") {
  color("#66727f") front();
  color("#55606c") lid();
  lens = middle("module_3_wide") + [0, lens_up, 0];
  color("#9fc3dd") translate([lens.x, lens.y, inner.z + 0.2]) cylinder(r = window_radius, h = window_recess);
  centre = middle("button");
  color("#dfe3e8") translate([centre.x, centre.y, inner.z]) cylinder(d = 15, h = front_wall + 1.5);
  red = middle("led_red");
  color("#e03131") translate([red.x, red.y, inner.z]) { cylinder(d = 5, h = front_wall); translate([0, 0, front_wall]) sphere(d = 5); }
}
if (show == "parts") {
  color("#8a95a1") difference() { front(); translate([-50, -50, inner.z - 0.4]) cube([300, 300, 60]); }
  parts();
}
