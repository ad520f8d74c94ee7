using System.Buffers.Binary;
using Microsoft.Extensions.Logging;

namespace Strata;

/// <summary>
/// What time it is for a store: the wall clock, but never before what was seen, so that a clock set back revives nothing
/// that has expired. The file <c>clock</c> keeps that over restarts, and the highest version that may have been issued.
/// </summary>
/// <remarks>The file is rewritten in place, which takes no room on a full disk, and lies in one sector, so that it cannot tear.</remarks>
internal sealed class DiskClock(ILogDisk disk, TimeProvider clock, bool flushes, ILogger log)
{
    private const string Name = "clock";
    private const uint Magic = 0x4B434C53, Format = 1; // "SLCK"
    private const int Bytes = 32;
    private const long Grain = 1_000;
    private long _seen;
    private bool _isNamed;

    /// <summary>Unix milliseconds. Within a second of the highest it has ever been.</summary>
    public long Now
    {
        get
        {
            long now = clock.GetUtcNow().ToUnixTimeMilliseconds(), seen = Volatile.Read(ref _seen);

            // Not at each look: many threads would fight for the place.
            if (now > seen + Grain) Interlocked.CompareExchange(ref _seen, now, seen);
            return Math.Max(now, seen);
        }
    }

    /// <summary>It was this late once, Unix milliseconds.</summary>
    public void Saw(long time) => _seen = Math.Max(_seen, time);

    /// <summary>Reads the file.</summary>
    /// <param name="limit">The highest version that may have been issued in this folder.</param>
    /// <returns>False if there is none that can be read.</returns>
    public bool TryRead(out BlobVersion limit)
    {
        limit = default;
        if (!disk.Exists(Name)) return false;
        Span<byte> bytes = stackalloc byte[Bytes];
        using ILogFile file = disk.Open(Name);
        if (file.Read(0, bytes) != Bytes || BinaryPrimitives.ReadUInt32LittleEndian(bytes) != Magic || BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]) != ChecksumOf(bytes))
        {
            log.LogWarning("The file {Path}/{Name} is damaged; versions go on from the highest one found", disk.Path, Name);
            return false;
        }

        uint format = BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]);
        if (format != Format) throw new InvalidDataException($"the file '{Name}' has format {format}, and this version of Strata reads format {Format}");
        limit = new BlobVersion(BinaryPrimitives.ReadUInt64LittleEndian(bytes[16..]));
        _seen = BinaryPrimitives.ReadInt64LittleEndian(bytes[24..]);
        return true;
    }

    /// <summary>Persists that versions up to this one may have been issued, and what time it is.</summary>
    /// <param name="limit">The version.</param>
    /// <param name="isLast">The store closes: on the medium, whatever the durability.</param>
    public void Write(BlobVersion limit, bool isLast = false)
    {
        Span<byte> bytes = stackalloc byte[Bytes];
        bytes.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, Magic);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[4..], Format);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[16..], limit.Value);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[24..], Now);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[8..], ChecksumOf(bytes));
        using ILogFile file = disk.Exists(Name) ? disk.Open(Name) : disk.Create(Name, Bytes);
        file.Write(0, bytes);
        if (!flushes && !isLast) return;
        file.Sync();

        // Not if it was there: the one who created it may have failed before this.
        if (_isNamed) return;
        disk.SyncFolder("");
        _isNamed = true;
    }

    private static uint ChecksumOf(ReadOnlySpan<byte> bytes)
    {
        var sum = default(Crc32C);
        sum.Append(bytes[..8]);
        sum.Append(bytes[12..]);
        return sum.Value;
    }
}
