using System.CommandLine;
using Strata.Server;

namespace Strata.Cli;

/// <summary><c>strata access create</c></summary>
internal sealed class AccessCreateCommand : StrataCommand
{
    private readonly Option<string[]> _allow = new("--allow")
    {
        Description = "What the key may do; may be there several times. Rights are read, write, list, delete, admin and all; the bucket * is all of them.",
        HelpName = "RIGHT[,RIGHT]:BUCKET[/PREFIX]",
        AllowMultipleArgumentsPerToken = true,
    };

    private readonly Option<bool> _admin = new("--admin") { Description = "Everything, everywhere, with the page and the administration: all:*" };
    private readonly Option<string?> _name = new("--name") { Description = "What people call the key.", HelpName = "TEXT" };
    private readonly Option<string?> _id = new("--id") { Description = "The key's id, 3 to 128 letters and digits (default: a random one).", HelpName = "ID" };

    public AccessCreateCommand()
        : base(
            "create",
            "Make an access key; its secret is shown this once.",
            "strata access create --admin",
            "strata access create --name backup --allow read,write,list:main/backup/",
            "strata access create --allow read,list:main --allow all:inbox --json")
    {
        Add(_allow);
        Add(_admin);
        Add(_name);
        Add(_id);
    }

    public override string Notes =>
        """
        The secret is kept sealed; the key to the seal is made with the first access key, outside the data folder:
        $STRATA_SEALING_KEY_FILE, else the configuration's Strata:Access:SealingKeyFile, else ~/.config/strata/sealing.key.
        With --json: one document {"id","secret","name","grants":[…],"created"}.
        """;

    protected override async Task<int> RunAsync(Run run, CancellationToken cancellationToken)
    {
        string[] allow = run.Parsed.GetValue(_allow) ?? [];
        bool isAdmin = run.Parsed.GetValue(_admin);
        if (isAdmin == allow.Length > 0) throw CliException.Usage("Say what the key may do: --allow RIGHT[,RIGHT]:BUCKET[/PREFIX], such as --allow read,list:main/photos/; or --admin for everything.");
        var request = new CreateAccessKeyWire(isAdmin ? [AccessGrant.Everything.ToString()] : allow, run.Parsed.GetValue(_id), run.Parsed.GetValue(_name));
        await using AccessKeySet keys = AccessKeySet.Open(run.Options, mayCreate: true);
        CreatedAccessKeyWire key = await keys.CreateAsync(request, cancellationToken);
        run.Report.Result(Describe(key, keys.Address), key, AccessWire.Context.CreatedAccessKeyWire);
        return ExitCode.Done;
    }

    private static string Describe(CreatedAccessKeyWire key, Uri address)
    {
        string bucket = key.Grants[0].Split(':', 2)[1].Split('/', 2)[0];
        return $"""
            id       {key.Id}
            secret   {key.Secret}
            may      {string.Join(' ', key.Grants)}

            The secret is shown this once. From now on every request must be signed with a key.

              export AWS_ACCESS_KEY_ID={key.Id} AWS_SECRET_ACCESS_KEY={key.Secret}
              {string.Join("\n  ", ClientLines.Signed(address, bucket == AccessGrant.AnyBucket ? "" : bucket))}
            """;
    }
}
