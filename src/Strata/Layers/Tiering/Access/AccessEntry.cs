using System.Runtime.InteropServices;

namespace Strata;

/// <summary>What the tracker remembers of a key: 48 bytes, besides the key's own and its place in the index. Times are seconds since 1970.</summary>
[StructLayout(LayoutKind.Auto)]
internal struct AccessEntry
{
    /// <summary>Accesses in the lanes of the access window, as of <see cref="Last"/>.</summary>
    public ulong Recent;

    /// <summary>Accesses in the lanes of the history window, as of <see cref="Last"/>.</summary>
    public ulong History;

    /// <summary>The decayed score, as of <see cref="Last"/>.</summary>
    public float Score;

    /// <summary>The last access.</summary>
    public uint Last;

    /// <summary>The first access that is remembered.</summary>
    public uint First;

    /// <summary>The time under which the key's row stands among those that are due; 0: it has none that is known.</summary>
    public uint Due;

    /// <summary>The key's hash, of this process alone.</summary>
    public uint Hash;

    /// <summary>Where the key's text begins.</summary>
    public uint NameOffset;

    /// <summary>The next entry that has changed since it was last written, plus one; 0: none.</summary>
    public int NextChanged;

    /// <summary>Bytes of the key's text, UTF-8.</summary>
    public ushort NameLength;

    /// <summary>True if it waits to be written.</summary>
    public bool IsChanged;

    /// <summary>True if it counts as unknown, and goes with the next room that is made.</summary>
    public bool IsForgotten;
}
