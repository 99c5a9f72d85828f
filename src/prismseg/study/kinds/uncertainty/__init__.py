"""What kinds of uncertainty are worth: likelihood, calibration, failures and foreign images."""
