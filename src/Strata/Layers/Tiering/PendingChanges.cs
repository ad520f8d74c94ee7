namespace Strata;

/// <summary>What may still come through at the origin, though its sender has been told that nobody knows.</summary>
[Flags]
internal enum PendingChanges : byte
{
    None = 0,

    /// <summary>A write, update, copy or completion.</summary>
    Write = 1,

    /// <summary>A delete.</summary>
    Delete = 2,
}
