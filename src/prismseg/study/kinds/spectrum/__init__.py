"""What training does to the spectra of CRFFg layers, and what each band of frequencies is worth."""
