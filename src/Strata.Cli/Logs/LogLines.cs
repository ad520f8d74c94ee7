namespace Strata.Cli;

/// <summary>What inspect says of a log.</summary>
internal sealed record LogLine(
    string Folder,
    int? OwnedBy,
    ulong LastSequence,
    IReadOnlyList<LogSegmentLine> Segments,
    IReadOnlyList<LogKeyspaceLine> Keyspaces,
    int Spares,
    long SpareBytes,
    int Unfinished,
    int ValueFiles,
    long ValueFileBytes,
    IReadOnlyList<LogDamageLine> Damages,
    IReadOnlyList<string> Notes);

/// <summary>A segment.</summary>
internal sealed record LogSegmentLine(
    string File, LogSegmentKind Kind, ulong FirstSequence, ulong LastSequence, long Entries, long LiveEntries, long LiveBytes, long UsedBytes, long FileBytes, double Garbage, LogSegmentState State, LogHintState Hint);

/// <summary>What counts of a keyspace.</summary>
internal sealed record LogKeyspaceLine(string Keyspace, long Entries, long Tombstones, long Bytes);

/// <summary>A key's latest entry.</summary>
internal sealed record LogEntryLine(string Keyspace, string Key, ulong Sequence, int Length, DateTimeOffset? Expires, bool Tombstone, bool Reference, string File, uint Offset);

/// <summary>Something that is damaged.</summary>
internal sealed record LogDamageLine(string Folder, string File, long Offset, long Length, string What, string? Keyspace, string? Key, LogLoss Loss)
{
    public static LogDamageLine Of(string folder, LogDamage damage) => new(
        folder, damage.File, damage.Offset, damage.Length, damage.What, damage.Key is { } key ? LogKeyText.SpaceOf(key) : null, damage.Key is { } of ? LogKeyText.Of(of) : null, damage.Loss);

    /// <summary>In words.</summary>
    public override string ToString()
    {
        string loss = Loss switch
        {
            LogLoss.Nothing => "nothing is lost by it",
            LogLoss.Value => "LOST",
            LogLoss.PartOfValue => "LOST IN PART",
            LogLoss.Deletion => "it was deleted; what it was before may come back",
            _ => "what was written there is LOST; which keys that were is not known",
        };
        string key = Key is null ? "" : $"{Keyspace} '{Key}': ";
        return $"{File}, offset {Offset}{(Length > 0 ? $", {Length} bytes" : "")}: {What}; {key}{loss}";
    }
}

/// <summary>The end of a verify.</summary>
internal sealed record LogVerifiedLine(string Folder, int Segments, long Keys, long Tombstones, long Values, long ValueBytes, long Bytes, int Damages, int Lost, IReadOnlyList<string> Notes);

/// <summary>What compact answers.</summary>
internal sealed record LogCompactedLine(string Folder, long BytesBefore, long BytesAfter);

/// <summary>The end of a repair.</summary>
internal sealed record LogRepairedLine(string Folder, string Target, long Entries, int ValueFiles, int Damages, int Lost, IReadOnlyList<string> LeftOut, IReadOnlyList<string> Notes);
