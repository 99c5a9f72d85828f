"""Study of how training changes the frequencies of CRFFg."""
