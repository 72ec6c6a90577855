"""The radio family: bulletins a station reads aloud or plays, as text first and audio after."""
