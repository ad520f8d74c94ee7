namespace Strata;

/// <summary>What a change came to, where the server answered.</summary>
internal enum RemoteAnswer
{
    /// <summary>It was made.</summary>
    Done,

    /// <summary>Its condition did not hold; nothing was changed.</summary>
    Refused,

    /// <summary>What it was to change, read or complete is not there.</summary>
    Missing,
}
