namespace Strata.Cli;

/// <summary>
/// Where to read or write, as the user wrote it: <c>strata:STORE/KEY</c>, <c>STORE/KEY</c>, <c>s3://BUCKET/KEY?option=value</c>,
/// <c>azure://CONTAINER/KEY?…</c>, <c>file:DIR#KEY</c>, <c>memory:#KEY</c>, or a local path.
/// </summary>
/// <param name="Kind">What it points into.</param>
/// <param name="Container">The store's name, the store's URL, or the local path.</param>
/// <param name="Key">The key or prefix, not yet checked; empty for the whole store.</param>
/// <param name="Text">As the user wrote it, for messages; of a bucket without its options.</param>
internal sealed record Address(AddressKind Kind, string Container, string Key, string Text)
{
    private const string OwnScheme = "strata";
    private static readonly string[] BucketSchemes = ["s3", "azure"];

    /// <summary>The container, for messages and results: of a bucket without its options.</summary>
    public string Place => Kind == AddressKind.Bucket ? WithoutOptions(Container) : Container;

    /// <summary>Of get, put, cat, ls, stat and rm, where a bare <c>STORE/KEY</c> is a store's.</summary>
    /// <exception cref="CliException">A scheme that nobody knows, or no store named.</exception>
    public static Address OfStore(string text, IReadOnlyList<string> prefixes) =>
        Schemed(text, prefixes) ?? InStore(text, text);

    /// <summary>Of cp, where everything without a scheme is a local path.</summary>
    /// <exception cref="CliException">A scheme that nobody knows, or no store named.</exception>
    public static Address OfCopy(string text, IReadOnlyList<string> prefixes) =>
        Schemed(text, prefixes) ?? (text == ""
            ? throw CliException.Usage("An address may not be empty.")
            : new Address(AddressKind.Local, text, "", text));

    /// <summary>The key, checked.</summary>
    /// <exception cref="CliException">It is missing or no key.</exception>
    public BlobKey RequireKey()
    {
        if (Key == "") throw CliException.Usage($"'{Text}' names no key. Write {WithKey("KEY").Text}.");
        return BlobKey.TryParse(Key, out BlobKey key, out string? error) ? key : throw CliException.Usage($"'{Key}' is no key. {error}");
    }

    /// <summary>The same container with another key.</summary>
    public Address WithKey(string key) => this with
    {
        Key = key,
        Text = Kind switch
        {
            AddressKind.Bucket => $"{Place}/{key}",
            AddressKind.Url => $"{Container}#{key}",
            _ => Text.StartsWith(OwnScheme + ":", StringComparison.Ordinal) ? $"{OwnScheme}:{Container}/{key}" : $"{Container}/{key}",
        },
    };

    /// <summary>Tiers as a result names them: a store that a URL opened is its own only one, and is named by its scheme.</summary>
    public IReadOnlyList<string> TiersOf(IReadOnlyList<string> tiers) => Kind is AddressKind.Bucket or AddressKind.Url && tiers.Count > 0 ? [StoreUrl.SchemeOf(Container)!] : tiers;

    private static string WithoutOptions(string text) => text.Split('?', 2)[0];

    private static Address? Schemed(string text, IReadOnlyList<string> prefixes)
    {
        if (StoreUrl.SchemeOf(text) is not { } scheme) return null;
        if (scheme == OwnScheme) return InStore(text[(OwnScheme.Length + 1)..], text);
        if (!prefixes.Any(p => text.StartsWith(p, StringComparison.OrdinalIgnoreCase)))
        {
            // What stands behind the question mark may be a signature.
            string known = string.Join(", ", prefixes.Prepend(OwnScheme + ":")), shown = WithoutOptions(text);
            throw CliException.Usage($"'{shown}': there is no scheme '{scheme}:'. Known are {known}; a local file of that name is ./{shown}.");
        }

        if (BucketSchemes.Contains(scheme)) return InBucket(scheme, text[(scheme.Length + 1)..]);
        int hash = text.IndexOf('#', StringComparison.Ordinal);
        return hash < 0 ? new(AddressKind.Url, text, "", text) : new(AddressKind.Url, text[..hash], text[(hash + 1)..], text);
    }

    /// <summary>
    /// <c>//BUCKET/KEY?options</c>. The key is taken as it stands, as S3's own tools do: nothing in it is decoded. One with a
    /// <c>?</c> in it goes behind the options: <c>//BUCKET?options#KEY</c>; and so does a key of a store that has a prefix, with
    /// the very address that opens it: <c>//BUCKET/PREFIX?options#KEY</c>. Without options a <c>#</c> is part of the key.
    /// </summary>
    private static Address InBucket(string scheme, string rest)
    {
        if (rest.StartsWith("//", StringComparison.Ordinal)) rest = rest[2..];
        int end = rest.AsSpan().IndexOfAny('/', '?', '#');
        string bucket = end < 0 ? rest : rest[..end], place = $"{scheme}://{bucket}", key = "", behind = end < 0 ? "" : rest[end..];
        if (bucket == "") throw CliException.Usage($"'{scheme}:{WithoutOptions(rest)}' names no {(scheme == "s3" ? "bucket" : "container")}. Write {scheme}://{(scheme == "s3" ? "BUCKET" : "CONTAINER")}/KEY.");
        if (behind.StartsWith('/'))
        {
            int options = behind.IndexOf('?', StringComparison.Ordinal);
            (key, behind) = options < 0 ? (behind[1..], "") : (behind[1..options], behind[options..]);
        }

        int hash = behind.IndexOf('#', StringComparison.Ordinal);
        if (hash >= 0) (place, key, behind) = (key == "" ? place : $"{place}/{key.TrimEnd('/')}", behind[(hash + 1)..], behind[..hash]);
        return new Address(AddressKind.Bucket, place + behind, key, $"{place}/{key}");
    }

    private static Address InStore(string path, string text)
    {
        int slash = path.IndexOf('/', StringComparison.Ordinal);
        string store = slash < 0 ? path : path[..slash];
        if (store is "" or "." or "..") throw CliException.Usage($"'{text}' names no store. Write STORE/KEY, such as main/photos/1.jpg.");
        return new(AddressKind.Store, store, slash < 0 ? "" : path[(slash + 1)..], text);
    }
}
