# Read by the runbooks: how they speak, ask and look. common.sh is the same, and runs in tests.

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$Ipfx = if ($env:IPFX_FAILOVER) { $env:IPFX_FAILOVER } else { 'ipfx-failover' }

function Write-Usage([string] $Text) {
    [Console]::Error.WriteLine("usage: $Text")
    exit 2
}

function Write-Step([string] $Text) { Write-Host "`n== $Text" }

function Write-Line([string] $Text) { Write-Host "   $Text" }

# Something is not as it should be.
function Stop-Runbook([int] $Code, [string] $What, [string] $Next) {
    [Console]::Error.WriteLine("`nSTOPPED: $What`n   next: $Next")
    exit $Code
}

# Goes on with -Yes, or after a y in a terminal.
function Confirm-Step([string] $Question) {
    Write-Host "`n?? $Question"
    if ($Yes) { return }
    if ([Console]::IsInputRedirected) {
        Stop-Runbook 3 'nobody is there to answer' 'run it in a terminal, or add -Yes'
    }
    $answer = Read-Host '   Go on? [y/N]'
    if ($answer -notin 'y', 'yes') { Stop-Runbook 3 'declined' 'run the same again when it suits' }
}

# A command of ipfx-failover, which has to succeed.
function Invoke-Ipfx {
    Write-Line "ipfx-failover $args"
    & $Ipfx @args | Out-Host
    if ($LASTEXITCODE -ne 0) {
        Stop-Runbook $LASTEXITCODE "ipfx-failover $($args[0]) ended with exit code $LASTEXITCODE" `
            'do what it says above, and run the same again: what is done already is not done twice'
    }
}

# What status --json shows; servers of it are found by name.
function Get-IpfxStatus {
    $document = & $Ipfx status --json
    if ($LASTEXITCODE -ne 0) {
        Stop-Runbook $LASTEXITCODE 'the status cannot be read' 'ipfx-failover status'
    }
    $document | ConvertFrom-Json
}

function Get-IpfxServer([string] $Name) {
    $server = (Get-IpfxStatus).servers | Where-Object { $_.name -eq $Name }
    if (-not $server) { Stop-Runbook 2 "there is no server $Name" 'ipfx-failover status' }
    $server
}

function Assert-Monitor {
    if (-not (Get-IpfxStatus).monitor.running) {
        Stop-Runbook 3 'no monitor is running' 'ipfx-failover service start'
    }
}

function Assert-NoStandIn {
    $other = (Get-IpfxStatus).standing_in_for
    if ($other) {
        Stop-Runbook 3 "the Failover Server stands in for $other" "failback.ps1 $other"
    }
}

# Until the condition holds; $Wait seconds at most.
function Wait-Until([string] $What, [string] $Next, [scriptblock] $Condition) {
    Write-Line "waiting until $What"
    $until = (Get-Date).AddSeconds($Wait)
    while (-not (& $Condition)) {
        if ((Get-Date) -ge $until) { Stop-Runbook 1 "after $Wait s: not $What" $Next }
        Start-Sleep -Seconds 1
    }
    Write-Line $What
}

function Test-Ok([string] $Name) { (Get-IpfxServer $Name).status -eq 'OK' }
