using System.CommandLine;

namespace Strata.Cli;

/// <summary><c>strata tier</c>: its commands.</summary>
internal sealed class TierCommand : Command, IExplained
{
    public TierCommand()
        : base("tier", "See where blobs are and why, move and pin them, and keep the tiers in order.")
    {
        Add(new TierStatusCommand());
        Add(new TierRunCommand());
        Add(new TierExplainCommand());
        Add(new TierPromoteCommand());
        Add(new TierDemoteCommand());
        Add(new TierPinCommand());
        Add(new TierUnpinCommand());
        Add(new TierPinsCommand());
        Add(new TierMovesCommand());
        Add(new TierBootstrapCommand());
        Add(new TierClearCommand());
        Add(new TierInvalidateCommand());
        Add(new TierScrubCommand());
        Add(new TierExportCommand());
        Add(new TierImportCommand());
    }

    public IReadOnlyList<string> Examples { get; } =
        ["strata tier status", "strata tier explain main/photos/1.jpg", "strata tier run main --dry-run", "strata tier pin main/index.html hot", "strata tier scrub main"];

    public string Notes =>
        """
        All of it works beside a running server, by way of it, and without one. The tiers above the last one, the origin, hold
        copies: dropping these loses nothing but speed. Figures count from when the store was opened; without a server, that is now.
        """;

    /// <summary>The argument that names a store.</summary>
    public static Argument<string> Store() => new("STORE") { Description = "The store." };

    /// <summary>The argument that names a blob.</summary>
    public static Argument<string> Blob() => new("STORE/KEY") { Description = "The blob." };

    /// <summary>A store's address, which names no key.</summary>
    public static Address StoreOf(Run run, Argument<string> argument)
    {
        Address address = run.AddressOf(argument);
        return address.Key == "" ? address : throw CliException.Usage($"'{address.Text}' names a key; this is for a store as a whole: {address.Place}.");
    }

    /// <summary>A number of bytes above zero, or null.</summary>
    public static long? SizeOf(string? text, string option)
    {
        if (text is null) return null;
        return ByteSize.TryParse(text, out long bytes) && bytes > 0 ? bytes : throw CliException.Usage($"{option} takes {ByteSize.Accepted}, and more than 0; this is '{text}'.");
    }

    /// <summary>A number that must be 1 or more, or null.</summary>
    public static long? CountOf(long? count, string option) =>
        count is null or >= 1 ? count : throw CliException.Usage($"{option} takes 1 or more; this is {count}.");

    /// <summary>A blob that is not there.</summary>
    public static CliException Missing(Address address) => CliException.NotFound($"There is no blob '{address.Text}'.");

    /// <summary>Asks before copies are dropped by the thousand.</summary>
    /// <exception cref="CliException">The answer is no, or nobody is there to give it.</exception>
    public static void Confirm(string what)
    {
        if (Console.IsInputRedirected) throw CliException.Usage($"To {char.ToLowerInvariant(what[0])}{what[1..]} needs a yes: add --yes.");
        Console.Error.Write($"{what}? Reads come from slower tiers then, until they have filled it again. [y/N] ");
        if (Console.ReadLine()?.Trim() is not ("y" or "Y" or "yes")) throw new CliException(ExitCode.Cancelled, "Nothing was dropped.");
    }
}
