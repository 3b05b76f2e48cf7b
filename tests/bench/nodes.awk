# n nodes of 8 H100 behind NVSwitch, named as in bench.c and bind.c, with commas between; every tenth without a wiring
# report where bare=1.
BEGIN {
    wires = ""
    for (i = 0; i < 8; i++) {
        row = ""
        for (j = 0; j < 8; j++) row = row (j ? "," : "") (i == j ? "\\\"X\\\"" : "\\\"NV18\\\"")
        wires = wires (i ? "," : "") "[" row "]"
    }
    gpus = ""
    for (i = 0; i < 8; i++) gpus = gpus (i ? "," : "") "{\\\"index\\\":" i ",\\\"product\\\":\\\"NVIDIA H100 80GB HBM3\\\",\\\"fabric\\\":\\\"completed\\\"}"
    note = "{\\\"version\\\":1,\\\"source\\\":\\\"manual\\\",\\\"nvswitch\\\":true,\\\"gpus\\\":[" gpus "],\\\"wires\\\":[" wires "]}"
    for (k = 0; k < n; k++) {
        printf "%s{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"metadata\":{\"name\":\"gpu-node-%05d.example.internal\",\"uid\":\"u-node-%d\"", k ? ",\n" : "", k, k
        if (!bare || k % 10 != 9) printf ",\"annotations\":{\"tpguard.io/topology\":\"%s\"}", note
        printf "},\"status\":{\"allocatable\":{\"nvidia.com/gpu\":\"8\"}}}"
    }
}
