using System.Buffers;

namespace Strata;

/// <summary>A batch for the log, and what the books must know of it once it is committed.</summary>
internal sealed class DiskChange(ArrayPool<byte> buffers) : IDisposable
{
    public LogBatch Batch { get; } = new(buffers);

    /// <summary>Bytes that will count.</summary>
    public long Added { get; set; }

    /// <summary>Bytes that will count no more.</summary>
    public long Freed { get; set; }

    /// <summary>Blobs that come, less those that go.</summary>
    public int Blobs { get; set; }

    /// <summary>What is there after the commit; null after a delete.</summary>
    public BlobInfo? Info { get; set; }

    /// <summary>What the recorder of rows is told; null: nothing.</summary>
    public List<BlobChange>? Recorded { get; set; }

    /// <summary>Value files that nothing names any more.</summary>
    public List<(ulong Id, long Length)> Retired { get; } = [];

    /// <summary>Expiries that change: key, before, after; Unix milliseconds, 0 = never.</summary>
    public List<(BlobKey Key, long Before, long After)> Expiries { get; } = [];

    public void Dispose() => Batch.Dispose();
}
