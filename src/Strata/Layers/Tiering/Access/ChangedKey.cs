namespace Strata;

/// <summary>A key whose use is to be written.</summary>
/// <param name="Name">Its text, UTF-8.</param>
/// <param name="Entry">Its use as it was when it was taken.</param>
internal sealed record ChangedKey(byte[] Name, AccessEntry Entry);
