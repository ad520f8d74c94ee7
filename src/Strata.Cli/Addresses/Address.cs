namespace Strata.Cli;

/// <summary>
/// Where to read or write, as the user wrote it: <c>strata:STORE/KEY</c>, <c>STORE/KEY</c>, <c>file:DIR#KEY</c>,
/// <c>memory:#KEY</c>, or a local path.
/// </summary>
/// <param name="Kind">What it points into.</param>
/// <param name="Container">The store's name, the store's URL, or the local path.</param>
/// <param name="Key">The key or prefix, not yet checked; empty for the whole store.</param>
/// <param name="Text">As the user wrote it, for messages.</param>
internal sealed record Address(AddressKind Kind, string Container, string Key, string Text)
{
    private const string OwnScheme = "strata";

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
        if (Key == "") throw CliException.Usage($"'{Text}' names no key. Write {(Kind == AddressKind.Store ? $"{Container}/KEY" : $"{Container}#KEY")}.");
        return BlobKey.TryParse(Key, out BlobKey key, out string? error) ? key : throw CliException.Usage($"'{Key}' is no key. {error}");
    }

    /// <summary>The same container with another key.</summary>
    public Address WithKey(string key) => this with
    {
        Key = key,
        Text = Kind == AddressKind.Url ? $"{Container}#{key}" : Text.StartsWith(OwnScheme + ":", StringComparison.Ordinal) ? $"{OwnScheme}:{Container}/{key}" : $"{Container}/{key}",
    };

    private static Address? Schemed(string text, IReadOnlyList<string> prefixes)
    {
        if (StoreUrl.SchemeOf(text) is not { } scheme) return null;
        if (scheme == OwnScheme) return InStore(text[(OwnScheme.Length + 1)..], text);
        if (!prefixes.Any(p => text.StartsWith(p, StringComparison.OrdinalIgnoreCase)))
        {
            string known = string.Join(", ", prefixes.Prepend(OwnScheme + ":"));
            throw CliException.Usage($"'{text}': there is no scheme '{scheme}:'. Known are {known}; a local file of that name is ./{text}.");
        }

        int hash = text.IndexOf('#', StringComparison.Ordinal);
        return hash < 0 ? new(AddressKind.Url, text, "", text) : new(AddressKind.Url, text[..hash], text[(hash + 1)..], text);
    }

    private static Address InStore(string path, string text)
    {
        int slash = path.IndexOf('/', StringComparison.Ordinal);
        string store = slash < 0 ? path : path[..slash];
        if (store is "" or "." or "..") throw CliException.Usage($"'{text}' names no store. Write STORE/KEY, such as main/photos/1.jpg.");
        return new(AddressKind.Store, store, slash < 0 ? "" : path[(slash + 1)..], text);
    }
}
