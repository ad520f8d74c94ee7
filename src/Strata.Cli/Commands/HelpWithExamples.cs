using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace Strata.Cli;

/// <summary>Help, followed by examples and the exit codes.</summary>
internal sealed class HelpWithExamples(HelpAction help) : SynchronousCommandLineAction
{
    private const string Overview =
        """
        Addresses:
          STORE/KEY, strata:STORE/KEY  a store of the data folder, through its server if one runs
          s3://BUCKET/KEY              a bucket of S3; ?endpoint=https://HOST for another server than AWS's
          azure://CONTAINER/KEY        a container of Azure Blob Storage; ?account=NAME
          file:DIR#KEY, memory:#KEY    a store opened by its URL
          ./path, /path                a local file or folder (cp), or a data folder (ls)

        Examples:
          strata serve --demo
          strata put photo.jpg main/photos/1.jpg
          strata ls -l main/photos/
          strata cp -r ./site strata:main/site
          strata cp -r strata:main/site s3://my-bucket/site
          strata tier status
          strata access create --allow read,list:main/site/
        """;

    public override bool ClearsParseErrors => true;

    public override int Invoke(ParseResult parseResult)
    {
        TextWriter output = parseResult.InvocationConfiguration.Output;
        using var text = new StringWriter();
        parseResult.InvocationConfiguration.Output = text;
        int code = help.Invoke(parseResult);
        parseResult.InvocationConfiguration.Output = output;

        // The parser knows the program by its file, the user by its command.
        output.Write(text.ToString().Replace(RootCommand.ExecutableName + " ", "strata ", StringComparison.Ordinal));
        if (parseResult.CommandResult.Command is IExplained command)
        {
            if (command.Notes != "")
            {
                output.WriteLine(command.Notes);
                output.WriteLine();
            }

            output.WriteLine("Examples:");
            foreach (string example in command.Examples) output.WriteLine("  " + example);
        }
        else
        {
            output.WriteLine(Overview);
        }

        output.WriteLine();
        output.WriteLine(ExitCode.Help);
        return code;
    }
}
