using System.ComponentModel;
using System.Diagnostics;

namespace Strata.Server.Tests;

/// <summary>What a program of the system wrote and came to.</summary>
public sealed record CommandRun(int ExitCode, string Output, string Error)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    /// <summary>The output of a program that succeeded.</summary>
    public string Successful => ExitCode == 0 ? Output : throw new InvalidOperationException($"Exit code {ExitCode}: {Error}{Output}");

    /// <summary>Output and errors together, for what a program may say on either.</summary>
    public string Everything => Error + Output;

    public static Task<CommandRun> OfAsync(string program, params string[] arguments) => OfAsync(new ProcessStartInfo(program, arguments));

    /// <summary>Runs a program to its end, or for a minute.</summary>
    /// <param name="start">Program, arguments and environment; its streams are set here.</param>
    /// <param name="killed">Completes when the program is to be killed, as by <c>kill -9</c>; null to let it end.</param>
    public static async Task<CommandRun> OfAsync(ProcessStartInfo start, Task? killed = null)
    {
        using var deadline = new CancellationTokenSource(Limit);
        start.UseShellExecute = false;
        start.RedirectStandardInput = start.RedirectStandardOutput = start.RedirectStandardError = true;
        using Process process = Start(start);
        process.StandardInput.Close();
        Task<string> output = process.StandardOutput.ReadToEndAsync(deadline.Token), error = process.StandardError.ReadToEndAsync(deadline.Token);
        Task ended = process.WaitForExitAsync(deadline.Token);
        try
        {
            if (killed is not null && await Task.WhenAny(killed, ended) == killed)
            {
                await killed;
                process.Kill(entireProcessTree: true);
            }

            await ended;
            return new CommandRun(process.ExitCode, await output, await error);
        }
        catch (OperationCanceledException late) when (deadline.IsCancellationRequested)
        {
            throw new TimeoutException($"'{start.FileName} {string.Join(' ', start.ArgumentList)}' did not end within {Limit.TotalSeconds} s.", late);
        }
        finally
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
        }
    }

    private static Process Start(ProcessStartInfo start)
    {
        try
        {
            return Process.Start(start)!;
        }
        catch (Win32Exception error)
        {
            throw new InvalidOperationException($"'{start.FileName}' does not start ({error.Message}). The tests drive it: ./test.sh as root installs it on Debian.", error);
        }
    }
}
