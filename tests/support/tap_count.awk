# SPDX-License-Identifier: Apache-2.0
#
# tap_count.awk - counts a TAP log: "passed failed skipped", then the failed tests' lines, and why a
# whole program was skipped.
#
#   awk -v status=STATUS -f tap_count.awk LOG
#
# STATUS is the exit status of the program that wrote it. What was planned and not seen has failed, and
# so has a program that ends badly without saying which test did. A program that skips all of itself
# counts as one, and one that plans nothing has failed.
/^1\.\.0 *# *[Ss][Kk][Ii][Pp]/ { have_plan = n_skipped = 1; lines[n_lines++] = $0; next }
/^1\.\.[0-9]+/ { planned = substr($0, 4) + 0; have_plan = planned > 0 }
/^not ok/ { n_failed++; lines[n_lines++] = $0; next }
/^ok/ && /# *[Ss][Kk][Ii][Pp]/ { n_skipped++; next }
/^ok/ { n_passed++ }
END {
	seen = n_passed + n_failed + n_skipped
	if (!have_plan) {
		n_failed++
		lines[n_lines++] = "no plan: the program did not start, or tests nothing"
	} else if (seen < planned) {
		n_failed += planned - seen
		lines[n_lines++] = planned - seen " of " planned " tests did not run"
	}
	if (status == 124 || status == 137)
		lines[n_lines++] = "out of time"
	if (status != 0 && n_failed == 0) {
		n_failed++
		lines[n_lines++] = "exit status " status
	}
	print n_passed + 0, n_failed + 0, n_skipped + 0
	for (i = 0; i < n_lines; i++)
		print lines[i]
}
