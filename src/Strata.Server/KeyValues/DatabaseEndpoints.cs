using System.Buffers;
using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;

namespace Strata.Server;

/// <summary>
/// KV databases for the page: which there are, and what is in them. Each answer is of bounded size and cost, however large the
/// database is and whatever others have written into it.
/// </summary>
/// <remarks>
/// Under <c>/_strata/v1/databases</c>: GET lists them and opens none; <c>/{name}/queues</c> takes GET;
/// <c>/{name}/entries?prefix=&amp;after=&amp;limit=</c> takes GET; <c>/{name}/entry?id=</c> takes GET, and DELETE with
/// <c>&amp;versionstamp=</c>; <c>/{name}/entry</c> takes PUT. As for the rest of the page: who may use it has all rights. No
/// request makes a database.
/// </remarks>
internal static class DatabaseEndpoints
{
    /// <summary>The most entries of a page.</summary>
    public const int MaxEntries = 200;

    /// <summary>The longest text of a value in a list, characters.</summary>
    public const int ListedChars = 300;

    /// <summary>The longest text of a value by itself, characters.</summary>
    public const int ShownChars = 64 << 10;

    /// <summary>The longest value that is read to be shown, or set, bytes.</summary>
    public const int MaxValueBytes = 1 << 20;

    private const string Root = "/_strata/v1/databases";
    private const int DefaultEntries = 50, MaxTextChars = 8 << 10;

    /// <summary>A JSON text in a JSON text may be six times as long as what it says.</summary>
    private const int MaxBodyBytes = 6 * (MaxValueBytes + MaxTextChars);

    private delegate Task DatabaseHandler(HttpContext http, IKvDatabase database);

    /// <summary>Maps the routes. Where there is no catalog, the list says so.</summary>
    public static void MapDatabases(this IEndpointRouteBuilder routes, ServedStores served)
    {
        KvCatalog? databases = served.Catalog?.KeyValues;
        Map("GET", "", http => BlobEndpoints.AnswerFailuresAsync(http, () => ListAsync(http, databases)));
        if (databases is null) return;
        MapTo("GET", "/queues", QueuesAsync);
        MapTo("GET", "/entries", EntriesAsync);
        MapTo("GET", "/entry", EntryAsync);
        MapTo("PUT", "/entry", SetAsync);
        MapTo("DELETE", "/entry", DeleteAsync);

        void MapTo(string method, string path, DatabaseHandler handler) =>
            Map(method, "/{name}" + path, http => BlobEndpoints.AnswerFailuresAsync(http, () => RunAsync(http, databases, handler)));

        void Map(string method, string path, RequestDelegate handler) => routes.MapMethods(Root + path, [method], http =>
        {
            AdminEndpoints.KeepPrivate(http.Response);
            return handler(http);
        }).WithMetadata(EndpointAccess.Admin);
    }

    private static async Task ListAsync(HttpContext http, KvCatalog? databases)
    {
        var answer = new DatabasesWire(databases is null ? null : await Task.WhenAll(databases.List().Select(name => DatabaseWire.OfAsync(databases, name))));
        await BlobEndpoints.AnswerAsync(http, 200, answer, DatabasesJson.Context.DatabasesWire);
    }

    private static async Task RunAsync(HttpContext http, KvCatalog databases, DatabaseHandler handler)
    {
        string name = (string)http.Request.RouteValues["name"]!;
        if (!databases.Contains(name))
        {
            await BlobEndpoints.FailAsync(http, 404, new ErrorWire("UnknownDatabase", WriteOutcome.NotApplied, $"There is no database '{name}'."));
            return;
        }

        IKvDatabase database;
        try
        {
            database = await databases.OpenAsync(name, http.RequestAborted);
        }
        catch (Exception e) when (e is StrataConfigurationException or ObjectDisposedException)
        {
            string why = e is ObjectDisposedException ? "the server stops" : e.Message;
            throw new StorageException(StorageErrorKind.Unavailable, $"The database '{name}' cannot be opened: {why}", e) { Operation = "open", Store = name };
        }

        await handler(http, database);
    }

    private static async Task QueuesAsync(HttpContext http, IKvDatabase database)
    {
        IReadOnlyList<QueueCount> queues = await QueueSurvey.ReadAsync(database, http.RequestAborted);
        var answer = new QueuesWire(queues, QueueSurvey.MaxCounted, queues.Count == QueueSurvey.MaxQueues);
        await BlobEndpoints.AnswerAsync(http, 200, answer, DatabasesJson.Context.QueuesWire);
    }

    private static async Task EntriesAsync(HttpContext http, IKvDatabase database)
    {
        KvKey prefix = TextOf(http, "prefix") is { } text ? ParseKey(text) : default;
        int limit = LimitOf(http, database.Capabilities.Limits);
        ReadRange range = RangeOf(prefix, TextOf(http, "after"), limit + 1);
        DatabaseFigures? figures = DatabaseFigures.Of(database);
        IReadOnlyList<KvEntry> found = (await database.SnapshotReadAsync([range], null, http.RequestAborted))[0].Entries;

        // One more than is shown was asked for, to know whether there are more.
        bool hasMore = found.Count > limit;
        EntryWire[] shown = [.. found.Take(limit).Select(e => EntryWire.From(e, ListedChars))];
        await BlobEndpoints.AnswerAsync(http, 200, new EntriesWire(shown, hasMore ? shown[^1].Id : null, figures), DatabasesJson.Context.EntriesWire);
    }

    private static async Task EntryAsync(HttpContext http, IKvDatabase database)
    {
        if (await ReadAsync(database, IdOf(http), http.RequestAborted) is { } entry)
        {
            await BlobEndpoints.AnswerAsync(http, 200, entry, DatabasesJson.Context.EntryWire);
            return;
        }

        var missing = new ErrorWire("Missing", WriteOutcome.NotApplied, "There is no such entry.", Operation: "read", Store: database.Capabilities.Database);
        await BlobEndpoints.AnswerAsync(http, 404, missing, BlobWire.Context.ErrorWire);
    }

    private static async Task SetAsync(HttpContext http, IKvDatabase database)
    {
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size) size.MaxRequestBodySize = MaxBodyBytes;
        SetEntryWire set = await JsonSerializer.DeserializeAsync(http.Request.Body, DatabasesJson.Context.SetEntryWire, http.RequestAborted)
            ?? throw new ArgumentException("The body holds null where it must hold a JSON document.");
        KvKey key = ParseKey(set.Key);
        if (key.IsEmpty) throw new ArgumentException("A key has at least one part.");
        Versionstamp replaced = set.Versionstamp is null ? Versionstamp.None : StampOf(set.Versionstamp);

        // Once begun it is carried through: who goes away has not undone it.
        var kv = new Kv(database, new KvOptions { MaxValueBytes = MaxValueBytes });
        CommitResult result = await kv.Atomic().Check(key, replaced).Set(key, ValueOf(set.Value)).CommitAsync(CancellationToken.None);
        await AnswerAsync(http, database, key, result);
    }

    private static async Task DeleteAsync(HttpContext http, IKvDatabase database)
    {
        KvKey key = IdOf(http);
        Versionstamp deleted = StampOf(TextOf(http, "versionstamp") ?? throw new ArgumentException("The request must say which entry it deletes: 'versionstamp' is missing."));
        if (!deleted.IsKnown) throw new ArgumentException("No entry has this versionstamp.");
        CommitResult result = await new Kv(database).Atomic().Check(key, deleted).Delete(key).CommitAsync(CancellationToken.None);
        await AnswerAsync(http, database, key, result);
    }

    /// <summary>Tells what was done, and what stands there now.</summary>
    private static async Task AnswerAsync(HttpContext http, IKvDatabase database, KvKey key, CommitResult result)
    {
        EntryWire? now;
        try
        {
            now = await ReadAsync(database, key, http.RequestAborted);
        }
        catch (StorageException) when (result.IsCommitted)
        {
            // What is done is done: no failure to look at it may say otherwise.
            now = null;
        }

        var answer = new EntryWrittenWire(result.IsCommitted ? result.Versionstamp.ToString() : null, now);
        await BlobEndpoints.AnswerAsync(http, result.IsCommitted ? 200 : 412, answer, DatabasesJson.Context.EntryWrittenWire);
    }

    /// <summary>Reads an entry with its value, a large one too as far as it is not too large to be shown.</summary>
    /// <returns>Null: there is none.</returns>
    private static async Task<EntryWire?> ReadAsync(IKvDatabase database, KvKey key, CancellationToken cancellationToken)
    {
        const int Attempts = 4;
        for (int attempt = 1; ; attempt++)
        {
            if ((await database.SnapshotReadAsync([ReadRange.Of(key.Encoded)], null, cancellationToken))[0].Entries is not [var raw]) return null;
            try
            {
                if (KvManifest.Read(raw.Value) is not { } large) return EntryWire.From(raw, raw.Value, ShownChars);
                if (large.Length > MaxValueBytes) return EntryWire.From(raw, ShownChars);
                if (await new KvLargeValues(database).ReadAsync(large, null, cancellationToken) is { } whole) return EntryWire.From(raw, new KvValue(whole.ToArray(), large.Encoding), ShownChars);
            }
            catch (FormatException e)
            {
                return EntryWire.Damaged(raw, e.Message);
            }

            // It was replaced while it was read, or its chunks are gone for good.
            if (attempt == Attempts) return EntryWire.Damaged(raw, "chunks of the large value are missing");
        }
    }

    /// <summary>The keys that begin with the prefix, itself among them: who types a key means it too. Reserved keys lie beyond.</summary>
    private static ReadRange RangeOf(KvKey prefix, string? after, int limit)
    {
        ReadOnlyMemory<byte> start = prefix.IsEmpty ? new byte[] { 0 } : prefix.Encoded;
        byte[] end = [.. prefix.Encoded.Span, KvReserved.First];
        if (after is not null)
        {
            ReadOnlyMemory<byte> last = EntryWire.KeyOf(after).Encoded;
            if (!new ReadRange(start, end, 1).Contains(last.Span)) throw new ArgumentException("'after' is no key of this list.");
            start = (byte[])[.. last.Span, 0];
        }

        return new ReadRange(start, end, limit);
    }

    private static KvKey ParseKey(string text) => KvKey.TryParse(text, out KvKey key, out string? error) ? key : throw new ArgumentException(error);

    private static KvKey IdOf(HttpContext http)
    {
        KvKey key = EntryWire.KeyOf(TextOf(http, "id") ?? throw new ArgumentException("The request must have one 'id' in its query."));
        KvReserved.Check(key, "id");
        return key;
    }

    private static V8Value ValueOf(string json)
    {
        try
        {
            return KvValueText.FromJson(json);
        }
        catch (FormatException e)
        {
            throw new ArgumentException(e.Message, e);
        }
    }

    private static Versionstamp StampOf(string text) =>
        Versionstamp.TryParse(text, out Versionstamp stamp) ? stamp : throw new ArgumentException("A versionstamp has 20 hexadecimal digits.");

    private static string? TextOf(HttpContext http, string name) => AdminEndpoints.TextOf(http, name, MaxTextChars);

    private static int LimitOf(HttpContext http, KvLimits limits)
    {
        int most = Math.Min(MaxEntries, limits.MaxEntries - 1);
        if (TextOf(http, "limit") is not { } text) return Math.Min(DefaultEntries, most);
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int limit) && limit >= 1 && limit <= most
            ? limit
            : throw new ArgumentException($"'limit' must be a number from 1 to {most}.");
    }
}
