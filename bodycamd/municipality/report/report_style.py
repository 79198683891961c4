"""The report's looks, on a screen and on A4 paper."""

STYLE = """
@page { size: A4; margin: 16mm 15mm 18mm; }
* { box-sizing: border-box; }
body { font: 10.5pt/1.4 "DejaVu Sans", "Noto Sans", Arial, sans-serif; color: #16202c; }
body { max-width: 190mm; margin: 10mm auto; padding: 0 5mm; }
h1 { font-size: 18pt; line-height: 1.2; margin: 0 0 5mm; border-bottom: 2pt solid #16202c; padding-bottom: 3mm; }
h2 { font-size: 12.5pt; margin: 7mm 0 2.5mm; border-bottom: .5pt solid #9aa5b1; padding-bottom: 1mm; break-after: avoid; }
h3 { font-size: 10.5pt; margin: 4mm 0 1.5mm; break-after: avoid; }
p { margin: 1.5mm 0; }
.en { color: #5a6775; font-style: italic; font-weight: normal; }
h1 .en { display: block; font-size: 13pt; }
table { border-collapse: collapse; width: 100%; margin: 1.5mm 0; }
th, td { text-align: left; vertical-align: top; padding: 1.1mm 2.5mm 1.1mm 0; border-bottom: .5pt solid #dde2e8; }
td { overflow-wrap: break-word; }
thead th { border-bottom: 1pt solid #9aa5b1; }
th { font-weight: 600; }
.facts th { width: 36%; }
.facts th .en, thead th .en, .told td .en { display: block; }
.told td:first-child { white-space: nowrap; padding-right: 6mm; }
tr, h2, h3 { break-inside: avoid; }
thead { display: table-header-group; }
ul, ol { margin: 1.5mm 0; padding-left: 6mm; }
small, li { overflow-wrap: anywhere; }
small { color: #5a6775; font-size: 8.5pt; }
code, pre { font: 8.2pt/1.45 "DejaVu Sans Mono", "Noto Sans Mono", monospace; overflow-wrap: anywhere; }
pre { background: #f3f5f7; border: .5pt solid #dde2e8; padding: 2mm; margin: 1.5mm 0; }
pre { white-space: pre-wrap; word-break: break-all; break-inside: avoid; }
.verdict { border-left: 2.5mm solid; padding: 2.5mm 3.5mm; font-weight: 600; margin: 2mm 0; break-inside: avoid; }
.verdict .en { display: block; }
.good { border-color: #1b7f3b; background: #eaf6ee; }
.fair { border-color: #b7791f; background: #fdf5e4; }
.bad { border-color: #b42318; background: #fdecea; }
.film { break-inside: avoid; }
figure { margin: 2mm 0; }
figure img { width: 100%; border: .5pt solid #9aa5b1; display: block; }
figcaption { color: #5a6775; font-size: 8.5pt; margin-top: 1mm; }
svg.timeline { width: 100%; height: auto; margin: 3mm 0 1mm; display: block; }
footer { margin-top: 8mm; padding-top: 2mm; border-top: .5pt solid #9aa5b1; font-size: 8.5pt; color: #5a6775; }
.verdict, pre, svg { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
@media print { body { margin: 0; padding: 0; max-width: none; } }
"""
