namespace Strata;

/// <summary>What the origin does not have of a key. Another object with every change.</summary>
/// <param name="length">Bytes of the blob; 0 where it is deleted.</param>
/// <param name="since">When the oldest change came that the origin does not have.</param>
internal sealed class DirtyKey(long length, DateTimeOffset since)
{
    public long Length => length;

    public DateTimeOffset Since => since;

    /// <summary>It was given up.</summary>
    public bool IsDead { get; set; }
}
