using Google.Protobuf;
using Wire = Strata.KvConnect.Messages;

namespace Strata.KvConnect;

/// <summary>The contract's values as the protocol's messages, and back.</summary>
internal static class WireForm
{
    /// <summary>What a server is sent to read.</summary>
    /// <param name="ranges">The ranges.</param>
    /// <param name="isStrata">Whether the server knows what Strata has added to the protocol; others are not bothered with it.</param>
    public static Wire.SnapshotRead Of(IReadOnlyList<ReadRange> ranges, bool isStrata = true)
    {
        var message = new Wire.SnapshotRead();
        foreach (ReadRange range in ranges)
        {
            message.Ranges.Add(new Wire.ReadRange { Start = Bytes(range.Start), End = Bytes(range.End), Limit = range.Limit, Reverse = range.Reverse, KeysOnly = isStrata && range.KeysOnly });
        }

        return message;
    }

    /// <summary>What a client asks to read.</summary>
    public static ReadRange[] Of(Wire.SnapshotRead message) =>
        [.. message.Ranges.Select(r => new ReadRange(r.Start.Memory, r.End.Memory, r.Limit, r.Reverse, r.KeysOnly))];

    /// <summary>What a client is answered.</summary>
    public static Wire.SnapshotReadOutput Of(IReadOnlyList<KvRange> ranges)
    {
        var message = new Wire.SnapshotReadOutput { Status = Wire.SnapshotReadStatus.SrSuccess, ReadIsStronglyConsistent = true };
        foreach (KvRange range in ranges)
        {
            var output = new Wire.ReadRangeOutput();
            foreach (KvEntry entry in range.Entries) output.Values.Add(Of(entry));
            message.Ranges.Add(output);
        }

        return message;
    }

    /// <summary>What a server answered.</summary>
    /// <exception cref="FormatException">It is not what the protocol says.</exception>
    public static KvRange[] Of(Wire.SnapshotReadOutput message) => [.. message.Ranges.Select(r => new KvRange([.. r.Values.Select(Of)]))];

    /// <summary>An entry on its way to a client.</summary>
    public static Wire.KvEntry Of(KvEntry entry) => new()
    {
        Key = Bytes(entry.Key),
        Value = Bytes(entry.Value.Data),
        Encoding = (Wire.ValueEncoding)entry.Value.Encoding,
        Versionstamp = Of(entry.Versionstamp),
        ExpireAtMs = entry.Expires?.ToUnixTimeMilliseconds() ?? 0,
    };

    /// <summary>An entry that a server sent.</summary>
    /// <exception cref="FormatException">It is not what the protocol says.</exception>
    public static KvEntry Of(Wire.KvEntry message) => new(
        message.Key.Memory,
        new KvValue(message.Value.Memory, Of(message.Encoding)),
        Versionstamp.TryRead(message.Versionstamp.Span, out Versionstamp stamp) ? stamp : throw new FormatException($"a versionstamp has {Versionstamp.Bytes} bytes, not {message.Versionstamp.Length}"),
        TimeOf(message.ExpireAtMs));

    /// <summary>What a server is sent to commit.</summary>
    public static Wire.AtomicWrite Of(AtomicWrite write)
    {
        var message = new Wire.AtomicWrite();
        foreach (KvCheck check in write.Checks) message.Checks.Add(new Wire.Check { Key = Bytes(check.Key), Versionstamp = check.Versionstamp.IsKnown ? Of(check.Versionstamp) : ByteString.Empty });
        foreach (KvMutation mutation in write.Mutations) message.Mutations.Add(Of(mutation));
        return message;
    }

    /// <summary>What a client asks to commit.</summary>
    /// <exception cref="FormatException">It is not what the protocol says, or has what it does not know.</exception>
    public static AtomicWrite Of(Wire.AtomicWrite message)
    {
        if (message.Enqueues.Count > 0) throw new FormatException("queues do not exist over KV Connect");
        return new AtomicWrite { Checks = [.. message.Checks.Select(Of)], Mutations = [.. message.Mutations.Select(Of)] };
    }

    /// <summary>What a client is answered.</summary>
    public static Wire.AtomicWriteOutput Of(CommitResult result)
    {
        if (result.IsCommitted) return new Wire.AtomicWriteOutput { Status = Wire.AtomicWriteStatus.AwSuccess, Versionstamp = Of(result.Versionstamp) };
        var message = new Wire.AtomicWriteOutput { Status = Wire.AtomicWriteStatus.AwCheckFailure };
        message.FailedChecks.AddRange(result.FailedChecks.Select(i => (uint)i));
        return message;
    }

    /// <summary>What a server is sent to watch.</summary>
    public static Wire.Watch Of(IReadOnlyList<ReadOnlyMemory<byte>> keys)
    {
        var message = new Wire.Watch();
        foreach (ReadOnlyMemory<byte> key in keys) message.Keys.Add(new Wire.WatchKey { Key = Bytes(key) });
        return message;
    }

    /// <summary>A versionstamp's 10 bytes.</summary>
    public static ByteString Of(Versionstamp stamp)
    {
        byte[] bytes = new byte[Versionstamp.Bytes];
        stamp.CopyTo(bytes);
        return UnsafeByteOperations.UnsafeWrap(bytes);
    }

    /// <summary>The bytes without a copy: they stay as they are until the call is over.</summary>
    public static ByteString Bytes(ReadOnlyMemory<byte> bytes) => UnsafeByteOperations.UnsafeWrap(bytes);

    private static KvCheck Of(Wire.Check message)
    {
        Versionstamp stamp = Versionstamp.None;
        if (message.Versionstamp.Length > 0 && !Versionstamp.TryRead(message.Versionstamp.Span, out stamp)) throw new FormatException($"the versionstamp of a check has {Versionstamp.Bytes} bytes or none, not {message.Versionstamp.Length}");
        return new KvCheck(message.Key.Memory, stamp);
    }

    private static Wire.Mutation Of(KvMutation mutation)
    {
        var message = new Wire.Mutation
        {
            Key = Bytes(mutation.Key),
            MutationType = (Wire.MutationType)mutation.Kind,

            // 0 and −1 would mean none, and some servers refuse what is below; the first millisecond is past as well.
            ExpireAtMs = mutation.Expires is { } expires ? Math.Max(1, expires.ToUnixTimeMilliseconds()) : 0,
        };
        if (mutation.Kind != KvMutationKind.Delete) message.Value = new Wire.KvValue { Data = Bytes(mutation.Value.Data), Encoding = (Wire.ValueEncoding)mutation.Value.Encoding };
        if (mutation.SumLimits is { } limits) (message.SumMin, message.SumMax, message.SumClamp) = (Bytes(limits.Min), Bytes(limits.Max), limits.Clamp);
        return message;
    }

    private static KvMutation Of(Wire.Mutation message)
    {
        KvMutationKind kind = message.MutationType switch
        {
            Wire.MutationType.MSet or Wire.MutationType.MDelete or Wire.MutationType.MSum or Wire.MutationType.MMax or Wire.MutationType.MMin or Wire.MutationType.MSetSuffixVersionstampedKey => (KvMutationKind)message.MutationType,
            _ => throw new FormatException($"the mutation type {(int)message.MutationType} is not known"),
        };
        if (kind != KvMutationKind.Delete && message.Value is null) throw new FormatException($"a mutation of type {(int)message.MutationType} has a value");
        bool hasLimits = message.SumMin.Length > 0 || message.SumMax.Length > 0 || message.SumClamp;
        return new KvMutation
        {
            Kind = kind,
            Key = message.Key.Memory,
            Value = kind == KvMutationKind.Delete ? default : new KvValue(message.Value!.Data.Memory, Of(message.Value.Encoding)),
            Expires = TimeOf(message.ExpireAtMs),
            SumLimits = hasLimits ? new KvSumLimits(message.SumMin.Memory, message.SumMax.Memory, message.SumClamp) : null,
        };
    }

    private static KvEncoding Of(Wire.ValueEncoding encoding) => encoding switch
    {
        Wire.ValueEncoding.VeV8 or Wire.ValueEncoding.VeLe64 or Wire.ValueEncoding.VeBytes => (KvEncoding)encoding,
        _ => throw new FormatException($"the value encoding {(int)encoding} is not known"),
    };

    private static DateTimeOffset? TimeOf(long milliseconds)
    {
        // 0 and −1 mean none. What lies beyond the calendar never comes.
        if (milliseconds is 0 or -1) return null;
        return DateTimeOffset.FromUnixTimeMilliseconds(Math.Clamp(milliseconds, DateTimeOffset.MinValue.ToUnixTimeMilliseconds(), DateTimeOffset.MaxValue.ToUnixTimeMilliseconds()));
    }
}
