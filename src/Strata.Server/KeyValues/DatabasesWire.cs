using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Strata.Server;

/// <summary>The databases of a server, for the page.</summary>
/// <param name="Databases">In the order of their names; null: the server keeps none, and has nowhere to.</param>
internal sealed record DatabasesWire(IReadOnlyList<DatabaseWire>? Databases);

/// <summary>What is known of a database without opening it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Backend">What it is kept by: <c>disk</c>, <c>memory</c>, <c>remote</c>, or the scheme of its address. Never the address, which may hold secrets.</param>
/// <param name="State">Whether it is open.</param>
/// <param name="Fault">What is wrong with it at this moment; null: nothing that is known.</param>
/// <param name="Figures">Its figures; null: it is not open, or counts nothing.</param>
internal sealed record DatabaseWire(string Name, string Backend, DatabaseState State, string? Fault, DatabaseFigures? Figures)
{
    /// <summary>Waits for nothing: a database that is being opened is told as that.</summary>
    public static async Task<DatabaseWire> OfAsync(KvCatalog databases, string name)
    {
        (string scheme, Task<IKvDatabase>? opening) = databases.Look(name);
        string backend = scheme switch { "file" => "disk", "http" or "https" => "remote", _ => scheme };
        if (opening is null || opening.IsCanceled) return new DatabaseWire(name, backend, DatabaseState.Closed, null, null);
        if (opening.IsFaulted) return new DatabaseWire(name, backend, DatabaseState.Failed, FaultOf(opening.Exception.GetBaseException()), null);
        if (!opening.IsCompletedSuccessfully) return new DatabaseWire(name, backend, DatabaseState.Opening, null, null);
        KvStatistics? statistics = (await opening as IKvStatistics)?.GetStatistics();
        return new DatabaseWire(name, backend, DatabaseState.Open, statistics?.Fault, statistics is null ? null : DatabaseFigures.From(statistics));
    }

    /// <summary>What an error says that is meant for people; another may say anything.</summary>
    private static string FaultOf(Exception e) => e is StorageException or StrataConfigurationException ? e.Message : $"It cannot be opened ({e.GetType().Name}).";
}

/// <summary>Whether a database is open. It is opened when somebody first asks for what is in it.</summary>
internal enum DatabaseState
{
    /// <summary>Nobody has asked for it since the server started.</summary>
    Closed,

    /// <summary>It is being opened.</summary>
    Opening,

    /// <summary>It is open.</summary>
    Open,

    /// <summary>It could not be opened; whoever asks next tries again.</summary>
    Failed,
}

/// <summary><see cref="KvStatistics"/> as JSON.</summary>
internal sealed record DatabaseFigures(long Entries, long Bytes, long? FileBytes, long Expirations, int Watches, string? LastCommit)
{
    /// <summary>The figures of a database; null: it counts nothing.</summary>
    public static DatabaseFigures? Of(IKvDatabase database) => database is IKvStatistics counting ? From(counting.GetStatistics()) : null;

    public static DatabaseFigures From(KvStatistics s) => new(s.Entries, s.Bytes, s.FileBytes, s.Expirations, s.Watches, s.LastCommit.IsKnown ? s.LastCommit.ToString() : null);
}

/// <summary>The queues of a database.</summary>
/// <param name="Queues">The first of them, in the order of their keys.</param>
/// <param name="MostCounted">This number stands for so many or more.</param>
/// <param name="More">True if there may be others.</param>
internal sealed record QueuesWire(IReadOnlyList<QueueCount> Queues, int MostCounted, bool More);

/// <summary>A page of entries.</summary>
/// <param name="Entries">In the order of their keys.</param>
/// <param name="Next">What to give as <c>after</c> for the next page; null: there is none.</param>
/// <param name="Figures">The database's, from before the entries were read: what is later may not be among them. Null: it counts nothing.</param>
internal sealed record EntriesWire(IReadOnlyList<EntryWire> Entries, string? Next, DatabaseFigures? Figures);

/// <summary>What came of a write.</summary>
/// <param name="Versionstamp">Its commit; null: the entry was not the one that the request named, and nothing was done.</param>
/// <param name="Entry">The entry that stood in the way, or the one that was written; null: there is none.</param>
internal sealed record EntryWrittenWire(string? Versionstamp, EntryWire? Entry);

/// <summary>A value to be set.</summary>
/// <param name="Key">The key, as a JSON array.</param>
/// <param name="Value">The value, as JSON in a text: numbers come to the server as they were written.</param>
/// <param name="Versionstamp">The entry that it replaces; null: there must be none.</param>
internal sealed record SetEntryWire(string Key, string Value, string? Versionstamp = null);

/// <summary>How databases and entries are written as JSON.</summary>
internal static class DatabasesJson
{
    /// <summary>Keys and values in any script stay as they are.</summary>
    public static DatabasesJsonContext Context { get; } = new(new JsonSerializerOptions(DatabasesJsonContext.Default.Options)
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });
}

/// <summary>Source-generated serialisation of what the page asks of databases.</summary>
[JsonSourceGenerationOptions(
    JsonSerializerDefaults.Web, UseStringEnumConverter = true, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(DatabasesWire))]
[JsonSerializable(typeof(QueuesWire))]
[JsonSerializable(typeof(EntriesWire))]
[JsonSerializable(typeof(EntryWire))]
[JsonSerializable(typeof(EntryWrittenWire))]
[JsonSerializable(typeof(SetEntryWire))]
internal sealed partial class DatabasesJsonContext : JsonSerializerContext;
