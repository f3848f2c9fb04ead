"""Operations on images: reading photos and label maps, scaling, filtering, mirroring and colours."""
