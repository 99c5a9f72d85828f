"""The bedside web application: sessions of thermal pictures, stored, measured, shown and reported."""
