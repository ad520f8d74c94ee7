namespace Strata;

/// <summary>What was acknowledged last of a key in doubt, and must be so in the end.</summary>
internal enum LastIntention : byte
{
    /// <summary>Nothing was: either outcome is right.</summary>
    None = 0,

    /// <summary>A write, update, copy or completion.</summary>
    Write = 1,

    /// <summary>A delete.</summary>
    Delete = 2,
}
