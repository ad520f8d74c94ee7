namespace Strata;

/// <summary>What a file of the disk store is, as its footer says.</summary>
internal enum DiskFileKind : ushort
{
    /// <summary>A blob with its payload.</summary>
    Blob = 0,

    /// <summary>A delete.</summary>
    Tombstone = 1,

    /// <summary>A blob whose payload lies in the parts of an upload; its own payload is their list.</summary>
    Manifest = 2,

    /// <summary>An upload under way.</summary>
    Session = 3,

    /// <summary>A part of an upload.</summary>
    Part = 4,
}
