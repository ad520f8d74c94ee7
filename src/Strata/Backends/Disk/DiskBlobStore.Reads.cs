using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Strata;

/// <content>Reads: a look-up in memory, then the entry itself, or two, verified each time.</content>
public sealed partial class DiskBlobStore
{
    /// <summary>Up to so many bytes are copied into a buffer: that costs less than what watches over a lease, and a slow reader then holds nothing of the log.</summary>
    private const int MaxCopied = 8 << 10;

    /// <summary>Two entries of one commit are published one after the other: so often may a reader come in between.</summary>
    private const int MostLooks = 1_000;

    [SkipLocalsInit]
    private BlobInfo? Stat(BlobKey key)
    {
        try
        {
            Span<byte> name = DiskKey.Of(LogKeyspace.Blobs, key, stackalloc byte[DiskKey.MaxBytes]);
            if (!TryReadVisible(name, out LogEntry entry)) return null;
            using (entry) return InfoOf(key, entry.View);
        }
        catch (Exception e) when (IsDamage(e))
        {
            throw Corrupt(e, "stat", key);
        }
    }

    [SkipLocalsInit]
    private BlobReadResult? Open(BlobKey key, ReadOptions? options)
    {
        try
        {
            Span<byte> name = DiskKey.Of(LogKeyspace.Blobs, key, stackalloc byte[DiskKey.MaxBytes]);
            LogLocation before = default;
            int looks = 0;
            var spin = default(SpinWait);
            while (TryReadVisible(name, out LogEntry entry))
            {
                using (entry)
                {
                    if (_options.Evicts && !entry.Location.Flags.HasFlag(LogEntryFlags.Visited)) _log.Visit(name);
                    if (!DiskRecord.IsApart(entry.View.Head)) return ReadWhole(key, entry, options);
                    if (TryReadApart(key, name, entry, options, out BlobReadResult? result)) return result;

                    // Replaced between the two steps: then another entry is there.
                    looks = entry.Location.IsSamePlaceAs(before) ? looks + 1 : 0;
                    if (looks == MostLooks) throw new InvalidDataException("its payload is gone");
                    before = entry.Location;
                }

                spin.SpinOnce();
            }

            return null;
        }
        catch (Exception e) when (IsDamage(e))
        {
            throw Corrupt(e, "read", key);
        }
    }

    private BlobReadResult ReadWhole(BlobKey key, in LogEntry entry, ReadOptions? options)
    {
        LogEntryView view = entry.View;
        long offset = 0, length = view.BodyLength;
        if (options is not null && Refusal(InfoOf(key, view), options, ref offset, ref length) is { } refused) return refused;
        return new DiskLogResult(new DiskBlobHead(key, view), entry.Copy(_buffers), view.HeadLength + (int)offset, offset, length, _options.Name);
    }

    /// <summary>Reads a payload that is an entry of its own.</summary>
    /// <returns>False if it is not the one that the metadata names.</returns>
    private bool TryReadApart(BlobKey key, Span<byte> name, in LogEntry entry, ReadOptions? options, [NotNullWhen(true)] out BlobReadResult? result)
    {
        LogEntryView view = entry.View;
        long offset = 0, length = DiskRecord.PayloadLength(view.Head);
        if (options is not null && Refusal(InfoOf(key, view), options, ref offset, ref length) is { } refused)
        {
            result = refused;
            return true;
        }

        result = null;
        name[0] = (byte)LogKeyspace.Payloads;
        bool isThere = _log.TryRead(name, out LogEntry payload);
        name[0] = (byte)LogKeyspace.Blobs;
        bool isKept = false;
        try
        {
            if (!isThere || payload.Sequence != DiskRecord.PayloadSequence(view.Head, view.Sequence)) return false;
            if (payload.IsReference)
            {
                if (ValueReference.Read(payload.Value, out ValueReference? files) is { } fault) throw new InvalidDataException(fault);
                if (!_values.TryOpen(files!, offset, length, out ValueReader? reader, key)) return false;
                result = new DiskFilesResult(InfoOf(key, view), reader!, offset, _options.Name);
            }
            else
            {
                isKept = payload.Location.Length > MaxCopied;
                result = new DiskLogResult(new DiskBlobHead(key, view), isKept ? payload : payload.Copy(_buffers), (int)offset, offset, length, _options.Name);
            }

            return true;
        }
        finally
        {
            if (isThere && !isKept) payload.Dispose();
        }
    }

    /// <summary>What a read with options comes to, if not to bytes.</summary>
    private BlobReadResult? Refusal(BlobInfo info, ReadOptions options, ref long offset, ref long length)
    {
        BlobReadStatus status = options.Evaluate(info.ETag);
        if (status == BlobReadStatus.Found && options.Range?.TryResolve(info.Length, out offset, out length) == false) status = BlobReadStatus.RangeNotSatisfiable;
        return status == BlobReadStatus.Found ? null : BlobReadResult.WithoutBytes(status, info, _options.Name);
    }

    private bool TryReadVisible(ReadOnlySpan<byte> name, out LogEntry entry)
    {
        if (!_log.TryRead(name, out entry)) return false;
        if (entry.Expires == 0 || entry.Expires > _time.Now) return true;
        entry.Dispose();
        return false;
    }

    private static BlobInfo InfoOf(BlobKey key, in LogEntryView entry) => DiskRecord.Read(key, entry.Head, entry.Expires, entry.BodyLength);

    internal static bool IsDamage(Exception e) => e is InvalidDataException or StorageException { Kind: StorageErrorKind.Corrupt };

    private StorageException Corrupt(Exception e, string operation, BlobKey key) => StorageException.Corrupt(operation, key, _options.Name, e.Message.TrimEnd('.'), e);
}
