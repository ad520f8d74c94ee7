namespace Strata;

/// <summary>How the frames of a segment end.</summary>
internal enum LogScanEnd
{
    /// <summary>With a seal: the segment is whole.</summary>
    Sealed,

    /// <summary>Where the void of a later segment says.</summary>
    Voided,

    /// <summary>Where nothing was written in this incarnation: zeros, or what an earlier one left.</summary>
    Empty,

    /// <summary>In something that was written in this incarnation and is not whole.</summary>
    Torn,
}
