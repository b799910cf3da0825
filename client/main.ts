/** The page is one element. */
import "./elements/thalweg-dashboard.ts";
