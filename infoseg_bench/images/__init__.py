"""Operations on images: reading photos and label maps, scaling, filters."""
